import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The first executable of that name on PATH. */
export function which(name: string, path = process.env.PATH ?? ""): string | undefined {
  return path
    .split(delimiter)
    .map((folder) => join(folder || ".", name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** PATH and the system's own folders: on Debian root's PATH only has them. */
export function systemPath(path = process.env.PATH): string {
  return [path, "/usr/sbin", "/sbin"].filter(Boolean).join(delimiter);
}
