/**
 * Languages beside CEL for conditions and expressions. A plan names its language, so that its hash says what
 * its texts mean; whoever compiles it brings the evaluator of that name.
 */
import type { JsonObject } from './json.js';

/** What a text amounts to once it is compiled. */
export interface CompiledText {
  /** Ids of the nodes that it reads: `nodes` has these and no others. */
  readonly nodes?: readonly string[];
  /**
   * The value: JSON, and true or false where it is a condition. Throws where it has none, with a `code` where
   * that helps. Pure, at once, and the same for the same variables, for good: decisions are made again from it.
   */
  evaluate(variables: JsonObject): unknown;
}

/** Compiles and evaluates the expressions of one language. */
export interface Evaluator {
  /** Throws where the text does not parse; `offset` of the error is its place in the text. */
  compile(text: string): CompiledText;
}

/** By the name that plans give as `language`; a function answers for any name. */
export type Evaluators =
  | Readonly<Record<string, Evaluator>>
  | ((language: string) => Evaluator | undefined);

/** The language of plans that name none. */
export const CEL = 'cel';

/** For whoever reads plans and evaluates nothing: takes any text in any language. */
export const UNEVALUATED: Evaluator = {
  compile: () => ({
    evaluate: () => {
      throw new Error('nothing is evaluated here');
    },
  }),
};
