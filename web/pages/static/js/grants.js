/** Where the grant of a session is kept: in this tab, also over a reload, or nowhere but in the page's memory. */
const STORED_AS = "scoreboard.session";
const CHANNEL = "scoreboard.session";
/** The session storage of the tab. A tab that is duplicated has a copy, and hears when it is replaced. */
export class TabGrants {
    #siblings = new BroadcastChannel(CHANNEL);
    stored() {
        try {
            return JSON.parse(sessionStorage.getItem(STORED_AS) ?? "null");
        }
        catch {
            return null;
        }
    }
    keep(grant, replaced) {
        sessionStorage.setItem(STORED_AS, JSON.stringify(grant));
        if (replaced !== null)
            this.#siblings.postMessage({ replaced, grant });
    }
    drop() {
        sessionStorage.removeItem(STORED_AS);
    }
    listen(heard) {
        this.#siblings.addEventListener("message", ({ data }) => heard(data.replaced, data.grant));
    }
}
/** Kept nowhere: it is gone with the page, and no other tab has it. */
export const NO_GRANTS = {
    stored: () => null,
    keep: () => undefined,
    drop: () => undefined,
    listen: () => undefined,
};
