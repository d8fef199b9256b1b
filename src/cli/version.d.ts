/** The version of package.json; the build puts it in. */
declare const VERSION: string;
/** A hash of the sources; a cache of what they made is good for the same sources only. */
declare const BUILD: string | undefined;
