/** A folder of its own with a database, in which the built command runs as a child process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const AUDIT_PLAN = join(ROOT, 'examples/audit/plan.yaml');
export const AUDIT_HANDLERS = join(ROOT, 'examples/audit/handlers.mjs');
const MAIN = join(ROOT, 'dist/cli/main.js');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the tests themselves are told by, and the program knows nothing of. */
const FOR_TESTS =
  /^RUNCHART_(BROWSER|SCREENSHOTS|SEED|MODEL_|FAULT_|FUZZ_|STREAM_|ADMISSION_|ISOLATION_|BENCH_|GOLDEN)/;

function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !FOR_TESTS.test(name));
  return Object.fromEntries(kept);
}

export class Workplace {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'runchart-cli-')));
  readonly database = join(this.folder, 'runs.db');
  readonly #children: CliProcess[] = [];

  /** Copies the project's own documents here, for the audit. */
  addDocuments(): void {
    cpSync(join(ROOT, 'docs'), join(this.folder, 'docs'), { recursive: true });
    cpSync(join(ROOT, 'README.md'), join(this.folder, 'README.md'));
  }

  /** Writes a file and returns its path. */
  write(name: string, content: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, content);
    return path;
  }

  /** Runs a command to its end. */
  async cli(...words: string[]): Promise<Ended> {
    const child = this.start(...words);
    child.process.stdin?.end();
    return child.ended;
  }

  /** As `cli`, with a standard input. */
  async cliWith(input: string, ...words: string[]): Promise<Ended> {
    const child = this.start(...words);
    child.process.stdin?.end(input);
    return child.ended;
  }

  /** Runs a program of this folder to its end. */
  async node(file: string, env: Readonly<Record<string, string>>): Promise<Ended> {
    const options = { cwd: this.folder, env: { ...process.env, ...env, NODE_OPTIONS: '' } };
    const child = new CliProcess(spawn(process.execPath, [file], options));
    this.#children.push(child);
    return child.ended;
  }

  start(...words: string[]): CliProcess {
    const child = new CliProcess(
      spawn(process.execPath, [MAIN, ...words], {
        cwd: this.folder,
        env: { ...environment(), RUNCHART_DB: this.database, NODE_OPTIONS: '' },
      }),
    );
    this.#children.push(child);
    return child;
  }

  /** Starts a server with the audit on offer, on a free port; resolves when it can be reached. */
  async serveAudit(): Promise<{ readonly server: CliProcess; readonly url: string }> {
    return this.serve(AUDIT_PLAN, '--handlers', AUDIT_HANDLERS);
  }

  async serve(...words: string[]): Promise<{ readonly server: CliProcess; readonly url: string }> {
    const server = this.start('serve', ...words, '--port', '0');
    const [, url = ''] = await server.says(/serves (http:\S+)/);
    await server.says(/Plans:/);
    return { server, url };
  }

  async leave(): Promise<void> {
    for (const child of this.#children) child.process.kill('SIGKILL');
    await Promise.all(this.#children.map((child) => child.ended));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class CliProcess {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  #stdout = '';
  #stderr = '';
  #onOutput = () => {};

  constructor(child: ChildProcess) {
    this.process = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#onOutput();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#onOutput();
    });
    this.ended = new Promise((resolve) => {
      child.on('close', (code, signal) =>
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr }),
      );
    });
  }

  /** Resolves when its output, of either kind, matches. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const found = new Promise<RegExpExecArray>((resolve) => {
      const look = () => {
        const match = pattern.exec(this.#stdout) ?? pattern.exec(this.#stderr);
        if (match !== null) resolve(match);
      };
      this.#onOutput = look;
      look();
    });
    const ended = this.ended.then(({ code, stdout, stderr }) => {
      throw new Error(`ended with ${code} without saying ${pattern}:\n${stdout}${stderr}`);
    });
    return Promise.race([found, ended]);
  }

  kill(signal: NodeJS.Signals): Promise<Ended> {
    this.process.kill(signal);
    return this.ended;
  }
}
