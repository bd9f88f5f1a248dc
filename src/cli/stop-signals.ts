/** Ctrl-C and SIGTERM: the first one drains, the second one ends the process at once. */
import { EXIT, type ExitCode } from './exit-codes.js';

export interface StopSignals {
  /** Resolves at the first signal, with the exit code that goes with it. */
  readonly stopped: Promise<ExitCode>;
  /** Leaves further signals to the defaults of the process. */
  release(): void;
}

export function catchStopSignals(onFirst: () => void): StopSignals {
  let isStopping = false;
  let release = () => {};
  const stopped = new Promise<ExitCode>((resolve) => {
    const listen = (code: ExitCode) => () => {
      if (isStopping) process.exit(code);
      isStopping = true;
      onFirst();
      resolve(code);
    };
    const onInterrupt = listen(EXIT.interrupted);
    const onTerminate = listen(EXIT.terminated);
    process.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate);
    release = () => process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate);
  });
  return { stopped, release: () => release() };
}
