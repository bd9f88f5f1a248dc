CREATE TABLE `dead_letters` (
	`webhook` text NOT NULL,
	`message` text NOT NULL,
	`run_id` text NOT NULL,
	`seq` integer NOT NULL,
	`type` text NOT NULL,
	`body_json` text NOT NULL,
	`tries` integer NOT NULL,
	`error_json` text NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`webhook`, `message`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `delivery_lanes` (
	`webhook` text NOT NULL,
	`run` integer NOT NULL,
	`seq` integer NOT NULL,
	`tries` integer NOT NULL,
	`due_at` integer NOT NULL,
	`error_json` text NOT NULL,
	PRIMARY KEY(`webhook`, `run`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `webhooks` (
	`id` text PRIMARY KEY NOT NULL,
	`url` text NOT NULL,
	`filter_json` text NOT NULL,
	`description` text NOT NULL,
	`secrets_json` text NOT NULL,
	`disabled_json` text,
	`turn` integer NOT NULL,
	`failing_since` integer,
	`missed_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `owner` ADD `turn` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `owner` ADD `turn_hash` text;