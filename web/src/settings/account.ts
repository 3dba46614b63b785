/** The pages about what opens the account and where it is used, in one file that is fetched when one of them is shown. */

export { Devices } from "./devices";
export { Security } from "./security";
export { SetUp } from "./setup";
