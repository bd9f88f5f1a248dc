-- WITHOUT ROWID is added by hand to the table with a key of several columns: drizzle-kit cannot say it.
-- So is the update of people_json, which was a list of responders.
ALTER TABLE `tasks` RENAME COLUMN "responders_json" TO "people_json";--> statement-breakpoint
UPDATE `tasks` SET `people_json` = json_object('responders', json(`people_json`)) WHERE `people_json` IS NOT NULL;--> statement-breakpoint
CREATE TABLE `past_node_runs` (
	`run` integer NOT NULL,
	`node` text NOT NULL,
	`status` text NOT NULL,
	`generation` integer NOT NULL,
	`attempt` integer NOT NULL,
	`seq` integer NOT NULL,
	`input_json` text,
	`output_json` text,
	`outcome` text,
	`action` text,
	`reason_json` text,
	`edges` text NOT NULL,
	`updated_at` integer NOT NULL,
	`scope` text DEFAULT '' NOT NULL,
	`inside` text,
	`feedback_json` text,
	PRIMARY KEY(`run`, `node`, `generation`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `tasks` ADD `presented_digest` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `tasks` ADD `generation` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE `tasks` ADD `level` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `tasks` ADD `round` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE `tasks` ADD `assignee` text;--> statement-breakpoint
ALTER TABLE `tasks` ADD `reminders` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `artifacts` ADD `generation` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE `artifacts` ADD `standing` text DEFAULT 'accepted' NOT NULL;--> statement-breakpoint
ALTER TABLE `artifacts` ADD `schema_json` text;--> statement-breakpoint
ALTER TABLE `artifacts` ADD `digest` text;--> statement-breakpoint
ALTER TABLE `artifacts` ADD `bytes` integer;--> statement-breakpoint
ALTER TABLE `node_runs` ADD `feedback_json` text;--> statement-breakpoint
ALTER TABLE `responses` ADD `presented_digest` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `responses` ADD `message_id` text;--> statement-breakpoint
ALTER TABLE `responses` ADD `comment` text;--> statement-breakpoint
ALTER TABLE `runs` ADD `origin_json` text;--> statement-breakpoint
ALTER TABLE `runs` ADD `trimmed_to` integer DEFAULT 0 NOT NULL;