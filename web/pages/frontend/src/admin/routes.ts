/** The views of the page and their addresses: the part behind `#`, which no server sees. Pure. */

export interface Route {
  readonly view: string;
  /** What the view is about, such as the id of a player; empty for all of them. */
  readonly subject: string;
}

/** `#players/3f2b…` is the view `players` of that subject; an address of no view is the first one. */
export function parse(hash: string, views: readonly string[]): Route {
  const [view = "", subject = ""] = hash.replace(/^#/, "").split("/");
  if (!views.includes(view)) return { view: views[0] ?? "", subject: "" };
  return { view, subject: decoded(subject) };
}

export function address({ view, subject }: Route): string {
  return subject === "" ? `#${view}` : `#${view}/${encodeURIComponent(subject)}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
