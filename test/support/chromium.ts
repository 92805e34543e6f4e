/** The browser of the pages' tests: `CHROMIUM_PATH`, or what is installed. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

export const chromiumPath: string | undefined = [
  process.env.CHROMIUM_PATH ?? '',
  ...(process.env.PATH ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name))),
].find((path) => path !== '' && isProgram(path));

export const whyNoBrowser =
  'no Chromium was found (Debian: apt-get install chromium; elsewhere set CHROMIUM_PATH): the pages are not tested';

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
