import { existsSync } from 'node:fs';
import { aptGetInstall, isOnPath } from './servers.mjs';

/** Where Debian puts the fonts that Korean is shown in. */
const KOREAN = '/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc';

/** Makes sure that there is a Chromium to open the pages in, with Korean fonts; installs Debian's as root. Throws a line that says what to install. */
export function requireBrowser(say) {
  const missing = [...(isOnPath('chromium') ? [] : ['chromium']), ...(existsSync(KOREAN) ? [] : ['fonts-noto-cjk'])];
  if (missing.length === 0) return;
  const need = `the tests of the pages need ${missing.join(' and ')} (on Debian: apt-get install ${missing.join(' ')})`;
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) throw new Error(`${need}.`);
  say(`installing ${missing.join(' and ')} for the tests of the pages`);
  const failure = aptGetInstall(...missing);
  if (failure !== undefined) throw new Error(`${need}, which could not be installed: ${failure.replace(/\.$/, '')}.`);
}
