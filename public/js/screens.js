/** Every screen of the page. */

import { openBook } from "./book/screen.js";
import { openStory } from "./book/story.js";
import { openIntegration } from "./integration/screen.js";
import { openPatterns } from "./patterns/screen.js";
import { openQuarantineItem } from "./quarantine/item.js";
import { openQuarantine } from "./quarantine/list.js";
import { openReports } from "./reports/list.js";
import { openReport } from "./reports/report.js";

/**
 * The first is where one arrives. `open` takes the house and an item, and returns the screen's
 * `node`, and where it needs them `move` (to another item) and `close`.
 */
export const SCREENS = [
  { name: "book", title: "The book", isWay: true, open: openBook },
  { name: "story", title: "A reservation's story", within: "book", open: openStory },
  { name: "reports", title: "Reports", isWay: true, open: openReports },
  { name: "report", title: "Report", within: "reports", open: openReport },
  { name: "patterns", title: "Patterns", isWay: true, managers: true, open: openPatterns },
  { name: "quarantine", title: "Quarantine", isWay: true, managers: true, open: openQuarantine },
  { name: "kept", title: "Kept aside", within: "quarantine", managers: true, open: openQuarantineItem },
  { name: "integration", title: "Integration", isWay: true, managers: true, open: openIntegration },
];
