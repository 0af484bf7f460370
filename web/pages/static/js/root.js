/** Where the service lives: at the root of its host, or below a path of it that a proxy has given it. */
/** The board that an address without one means. */
export const DEFAULT_BOARD = "main";
/** The address of a path of the service, such as `/api/auth/login`, from whatever page this is. */
export function addressOf(path) {
    const root = new URL(document.documentElement.dataset["root"] ?? "/", location.href);
    return new URL(path.replace(/^\//, ""), root);
}
/** The address of a player's page, which begins with this board. */
export function pageOf(userId, boardId) {
    const address = addressOf(`/p/${userId}`);
    if (boardId !== DEFAULT_BOARD)
        address.searchParams.set("board", boardId);
    return address.href;
}
