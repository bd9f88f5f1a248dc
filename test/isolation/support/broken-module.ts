/** A module that cannot be evaluated. */
throw new Error('broken on purpose');
