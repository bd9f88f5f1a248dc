CREATE TABLE `log_trims` (
	`tenant` text PRIMARY KEY NOT NULL,
	`turn` integer NOT NULL,
	`seq` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `stored_plans` (
	`tenant` text NOT NULL,
	`hash` text NOT NULL,
	`title` text NOT NULL,
	`at` integer NOT NULL,
	`by` text,
	PRIMARY KEY(`tenant`, `hash`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `stored_plans_age` ON `stored_plans` (`tenant`,`at`,`hash`);--> statement-breakpoint
CREATE INDEX `stored_plans_title` ON `stored_plans` (`tenant`,`title`,`at`,`hash`);