// Compiles src/ to ../static/js and records what was made from what in build.sha256, so that a source changed
// without a build is noticed where there is no Node. Run it as `npm run build`.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL(".", import.meta.url)));

const OUTPUT = "../static/js";
const LIBRARY = "node_modules/@noble/hashes";
const VENDORED = `${OUTPUT}/vendor/noble-hashes`;
const CHARTS = "node_modules/uplot";
const VENDORED_CHARTS = `${OUTPUT}/vendor/uplot`;
/** The folders of sources, each of which has one of the same name in the output. */
const FOLDERS = ["", "/admin", "/dashboard", "/past"];
/** What the page imports of the library; what these import is found in them. */
const ENTRIES = ["hmac.js", "sha2.js"];
const TSC = "node_modules/typescript/bin/tsc";

const filesOf = (folder, suffix) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .sort()
    .map((name) => `${folder}/${name}`);

/** These modules of the library and all that they import. */
const withImports = (names) => {
  const found = new Set();
  const add = (name) => {
    if (found.has(name)) return;
    found.add(name);
    for (const [, next] of readFileSync(`${LIBRARY}/${name}`, "utf8").matchAll(/from "\.\/([^"]+)"/g)) add(next);
  };
  names.forEach(add);
  return [...found].sort();
};

const built = () => FOLDERS.flatMap((folder) => filesOf(OUTPUT + folder, ".js"));

const vendorHashes = () => {
  rmSync(VENDORED, { recursive: true, force: true });
  mkdirSync(VENDORED, { recursive: true });
  const copy = (name) => {
    const text = readFileSync(`${LIBRARY}/${name}`, "utf8").replace(/^\/\/# sourceMappingURL=.*\n?/m, "");
    writeFileSync(`${VENDORED}/${name}`, text);
  };
  ["LICENSE", ...withImports(ENTRIES)].forEach(copy);
};

/** uPlot's only module is not minified and twice as large as its script, which is one statement: `var uPlot=…;`. */
const vendorCharts = () => {
  rmSync(VENDORED_CHARTS, { recursive: true, force: true });
  mkdirSync(VENDORED_CHARTS, { recursive: true });
  const script = readFileSync(`${CHARTS}/dist/uPlot.iife.min.js`, "utf8");
  writeFileSync(`${VENDORED_CHARTS}/uPlot.js`, `${script.trimEnd()}\nexport default uPlot;\n`);
  copyFileSync(`${CHARTS}/dist/uPlot.min.css`, `${VENDORED_CHARTS}/uPlot.css`);
  copyFileSync(`${CHARTS}/LICENSE`, `${VENDORED_CHARTS}/LICENSE`);
};

for (const folder of FOLDERS) mkdirSync(OUTPUT + folder, { recursive: true });
for (const stale of built()) rmSync(stale);
vendorHashes();
vendorCharts();
execFileSync(process.execPath, [TSC, "--project", "."], { stdio: "inherit" });

const types = ["noble-hashes", "uplot"].flatMap((name) => filesOf(`types/vendor/${name}`, ".ts"));
const vendored = [VENDORED, VENDORED_CHARTS].flatMap((folder) => filesOf(folder, ".js"));
const written = FOLDERS.flatMap((folder) => filesOf(`src${folder}`, ".ts"));
const sources = ["package.json", "package-lock.json", "tsconfig.json", ...written, ...types];
const lines = [...sources, ...built(), ...vendored].map(
  (path) => `${createHash("sha256").update(readFileSync(path)).digest("hex")}  ${path}\n`,
);
writeFileSync("build.sha256", lines.join(""));
console.log(`Built ${lines.length - sources.length} modules; recorded in build.sha256.`);
