"use strict";
// Runs before anything is painted, so that nothing moves when the modules arrive: it tells the style sheet that there
// is a script, and whether somebody is signed in in this tab. `grants.ts` keeps the grant under this name.
document.documentElement.classList.add("has-script");
document.documentElement.classList.toggle("is-signed-in", sessionStorage.getItem("scoreboard.session") !== null);
