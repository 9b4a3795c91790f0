require("node:fs").writeFileSync("greeting.json", JSON.stringify("built by node"));
