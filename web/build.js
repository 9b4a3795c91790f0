// Bundles the console's scripts into src/assets/, where the program embeds them. The output depends
// on the lock file and on assets/ alone, so that `node build.js --check` can tell a stale bundle.

import { readFileSync } from "node:fs";
import { build } from "esbuild";

const check = process.argv.includes("--check");
const { outputFiles } = await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: {
    console: "assets/console.js",
    charts: "assets/charts.js",
    uplot: "assets/charts.css",
  },
  outdir: "src/assets",
  bundle: true,
  minify: true,
  write: !check,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
});

for (const file of check ? outputFiles : []) {
  if (file.text !== readFileSync(file.path, "utf8")) {
    console.error(`${file.path} is not what its sources make\nhint: run \`make assets\``);
    process.exit(1);
  }
}
