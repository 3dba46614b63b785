/** The pages about what becomes of letters, in one file that is fetched when one of them is shown. */

export { Away } from "./away";
export { ForwardingPage } from "./forwarding";
export { RulesPage } from "./rules";
