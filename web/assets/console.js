// What the console's pages do beyond plain HTML. Every page works without this file: it only
// saves reloads. Nothing from the server becomes markup but what the console itself rendered.

import htmx from "htmx.org";
import { openDialogs } from "./dialog.js";
import { followDeployment } from "./deployment.js";
import { takeFragment } from "./fragment.js";
import { followLog } from "./log.js";
import { offerCopies } from "./copy.js";

// The policy of the pages allows neither evaluated code nor inline styles.
htmx.config.allowEval = false;
htmx.config.allowScriptTags = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0;

document.documentElement.classList.add("live");
// On a narrow screen the tabs scroll: where one is must be in sight.
const tabs = document.querySelector(".tabs");
const tab = tabs?.querySelector("[aria-current]");
if (tab) tabs.scrollLeft = tab.offsetLeft - tabs.offsetLeft - 16;
openDialogs();
offerCopies();
takeFragment();
for (const output of document.querySelectorAll("[data-deployment]")) followDeployment(output);
for (const log of document.querySelectorAll("[data-log]")) followLog(log);
