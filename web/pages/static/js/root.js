/** Where the service lives: at the root of its host, or below a path of it that a proxy has given it. */
/** The address of a path of the service, such as `/api/auth/login`, from whatever page this is. */
export function addressOf(path) {
    const root = new URL(document.documentElement.dataset["root"] ?? "/", location.href);
    return new URL(path.replace(/^\//, ""), root);
}
