-- WITHOUT ROWID is added by hand: drizzle-kit cannot say it.
CREATE TABLE `idempotency_keys` (
	`run` integer NOT NULL,
	`key` text NOT NULL,
	`digest` text NOT NULL,
	`answer_json` text NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`run`, `key`)
) WITHOUT ROWID;
