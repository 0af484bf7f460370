/** The views of the page and their addresses: the part behind `#`, which no server sees. Pure. */
/** `#players/3f2b…` is the view `players` of that subject; an address of no view is the first one. */
export function parse(hash, views) {
    const [view = "", subject = ""] = hash.replace(/^#/, "").split("/");
    if (!views.includes(view))
        return { view: views[0] ?? "", subject: "" };
    return { view, subject: decoded(subject) };
}
export function address({ view, subject }) {
    return subject === "" ? `#${view}` : `#${view}/${encodeURIComponent(subject)}`;
}
function decoded(text) {
    try {
        return decodeURIComponent(text);
    }
    catch {
        return "";
    }
}
