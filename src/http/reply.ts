/** An answer in JSON with a status of its own, or with headers. Anything else that a handler gives is a 200. */
export class Reply<Answer> {
  readonly answer: Answer;
  readonly status: number;
  /** Path of what was made, without the base of the app. */
  readonly location: string | undefined;

  constructor(answer: Answer, status: number, location?: string) {
    this.answer = answer;
    this.status = status;
    this.location = location;
  }
}

/** 201 for what is new, 200 for what the same request had made before. */
export function made<Answer>(answer: Answer, isNew: boolean, location?: string): Reply<Answer> {
  return new Reply(answer, isNew ? 201 : 200, location);
}
