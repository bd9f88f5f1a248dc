/**
 * A real browser: the Chromium that comes as a package, so that nothing but `npm ci` is needed. Where it cannot
 * start the tests say so and are skipped, unless RUNCHART_BROWSER=required.
 */
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** No switch that takes a protection of pages away: those are under test. */
const SWITCHES = ['--no-sandbox', '--no-zygote', '--disable-gpu', '--font-render-hinting=none'];

export type Found =
  | { readonly browser: Browser }
  | { readonly browser: undefined; readonly why: string };

/** Throws where there has to be one, and is none. */
export async function findBrowser(): Promise<Found> {
  try {
    return { browser: await launch() };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (process.env.RUNCHART_BROWSER === 'required') {
      throw new Error(`no browser can start here, and one is required: ${why}`, { cause: error });
    }
    return { browser: undefined, why };
  }
}

async function launch(): Promise<Browser> {
  const home = join(tmpdir(), 'runchart-browser');
  mkdirSync(home, { recursive: true });
  const executablePath = await unpacked(home);
  const env = { ...process.env, FONTCONFIG_PATH: join(home, 'fonts') } as Record<string, string>;
  try {
    return await chromium.launch({ executablePath, args: SWITCHES, env });
  } catch {
    // The machine may lack libraries that come with the package.
    const libraries = join(home, 'al2023', 'lib');
    return chromium.launch({
      executablePath,
      args: SWITCHES,
      env: { ...env, LD_LIBRARY_PATH: libraries },
    });
  }
}

/** The package unpacks below the temporary folder of the process, its libraries only where it takes itself to be in a cloud. */
async function unpacked(home: string): Promise<string> {
  const before = { ...process.env };
  // It sets some of these itself.
  process.env.TMPDIR = home;
  process.env.AWS_EXECUTION_ENV = 'AWS_Lambda_nodejs20.x';
  try {
    const { default: packaged } = await import('@sparticuz/chromium');
    return await packaged.executablePath();
  } finally {
    for (const name of Object.keys(process.env)) {
      if (!(name in before)) delete process.env[name];
    }
    Object.assign(process.env, before);
  }
}
