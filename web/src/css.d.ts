/** Styles that come with a part of the pages. */
declare module "*.css";
