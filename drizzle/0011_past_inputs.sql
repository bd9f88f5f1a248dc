CREATE TABLE `past_inputs` (
	`run` integer NOT NULL,
	`node` text NOT NULL,
	`generation` integer NOT NULL,
	`attempt` integer NOT NULL,
	`input_json` text,
	PRIMARY KEY(`run`, `node`, `generation`, `attempt`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `attempts` ADD `given_error_json` text;