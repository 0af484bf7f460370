"use strict";
// Runs before anything is painted, so that nothing moves when the modules arrive: it tells the style sheet that there
// is a script, whether somebody is signed in in this tab, and their name. `grants.ts` keeps the grant under this name.
{
    const root = document.documentElement;
    const grant = sessionStorage.getItem("scoreboard.session");
    root.classList.add("has-script");
    root.classList.toggle("is-signed-in", grant !== null);
    try {
        const username = JSON.parse(grant ?? "null")?.player?.username;
        if (typeof username === "string")
            root.style.setProperty("--player", JSON.stringify(username));
    }
    catch {
        // The session finds out that this is no grant.
    }
}
