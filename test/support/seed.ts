/**
 * Where randomness begins. The same seed for everybody, so that the gate answers the same commit
 * in the same way twice; `RUNCHART_SEED=random` explores, and a finding prints the seed to repeat it.
 */
import fc from 'fast-check';

const { RUNCHART_SEED = '20261121' } = process.env;

if (RUNCHART_SEED !== 'random')
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(RUNCHART_SEED) });
