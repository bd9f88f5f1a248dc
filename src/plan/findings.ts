/** Collects the issues of one compilation, bounded, so that a broken plan cannot drown its reader. */
import type { Issue } from './issue.js';
import type { JsonValue } from './json.js';

const MAX_ISSUES = 1_000;

/** An issue without its severity; members that are undefined are left out of the issue. */
export interface Finding {
  readonly code: string;
  readonly message: string;
  readonly path: string;
  readonly node?: string | undefined;
  readonly hint?: string | undefined;
  readonly detail?: JsonValue | undefined;
}

/** Takes findings about a part of a plan, whose paths begin at that part. */
export interface Reporter {
  block(finding: Finding): void;
  warn(finding: Finding): void;
  /** For a part inside this one; `path` is a JSON Pointer. */
  within(path: string): Reporter;
}

export class Findings implements Reporter {
  readonly #issues: Issue[] = [];
  #blocking = 0;
  #omitted = 0;

  within(path: string): Reporter {
    return {
      block: (finding) => this.block({ ...finding, path: path + finding.path }),
      warn: (finding) => this.warn({ ...finding, path: path + finding.path }),
      within: (inner) => this.within(path + inner),
    };
  }

  get blocked(): boolean {
    return this.#blocking > 0;
  }

  block(finding: Finding): void {
    this.#blocking++;
    this.#add('blocking', finding);
  }

  warn(finding: Finding): void {
    this.#add('warning', finding);
  }

  /** All issues, blocking ones first, each group in the order of discovery. */
  list(): readonly Issue[] {
    const issues = [
      ...this.#issues.filter((issue) => issue.severity === 'blocking'),
      ...this.#issues.filter((issue) => issue.severity === 'warning'),
    ];
    if (this.#omitted > 0) issues.push(this.#omission());
    return issues;
  }

  #add(severity: Issue['severity'], finding: Finding): void {
    if (this.#issues.length < MAX_ISSUES) this.#issues.push(issueOf(severity, finding));
    else this.#omitted++;
  }

  #omission(): Issue {
    return issueOf(this.blocked ? 'blocking' : 'warning', {
      code: 'too-many-issues',
      message: `${this.#omitted} further issues are not listed`,
      path: '',
    });
  }
}

function issueOf(severity: Issue['severity'], finding: Finding): Issue {
  const { code, message, path, node, hint, detail } = finding;
  return {
    severity,
    code,
    message,
    path,
    ...(node === undefined ? {} : { node }),
    ...(hint === undefined ? {} : { hint }),
    ...(detail === undefined ? {} : { detail }),
  };
}
