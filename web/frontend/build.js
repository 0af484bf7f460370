// Compiles src/ to ../static/js and records what was made from what in build.sha256, so that a source changed
// without a build is noticed where there is no Node. Run it as `npm run build`.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL(".", import.meta.url)));

const OUTPUT = "../static/js";
const TSC = "node_modules/typescript/bin/tsc";

const filesOf = (folder, suffix) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .sort()
    .map((name) => `${folder}/${name}`);

for (const stale of filesOf(OUTPUT, ".js")) rmSync(stale);
execFileSync(process.execPath, [TSC, "--project", "."], { stdio: "inherit" });

const sources = ["package.json", "package-lock.json", "tsconfig.json", ...filesOf("src", ".ts")];
const lines = [...sources, ...filesOf(OUTPUT, ".js")].map(
  (path) => `${createHash("sha256").update(readFileSync(path)).digest("hex")}  ${path}\n`,
);
writeFileSync("build.sha256", lines.join(""));
console.log(`Built ${lines.length - sources.length} modules; recorded in build.sha256.`);
