-- WITHOUT ROWID is added by hand to the tables with a key of several columns: drizzle-kit cannot say it.
CREATE TABLE `run_keys` (
	`purpose` text NOT NULL,
	`key` text NOT NULL,
	`run_id` text NOT NULL,
	`start_at` integer,
	`superseded_id` text,
	`superseded_start_at` integer,
	PRIMARY KEY(`purpose`, `key`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `schedules` (
	`id` text PRIMARY KEY NOT NULL,
	`plan_hash` text NOT NULL,
	`label` text NOT NULL,
	`cadence_json` text NOT NULL,
	`input_json` text NOT NULL,
	`overlap` text NOT NULL,
	`catch_up_json` text NOT NULL,
	`start_at` integer,
	`end_at` integer,
	`jitter_ms` integer NOT NULL,
	`paused` integer NOT NULL,
	`decided_until` integer NOT NULL,
	`last_occurrence` integer,
	`active_run` text,
	`queued_json` text NOT NULL,
	`due_at` integer,
	`counters_json` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `schedules_due` ON `schedules` (`due_at`) WHERE due_at is not null;--> statement-breakpoint
CREATE TABLE `signals` (
	`run` integer NOT NULL,
	`id` text NOT NULL,
	`name` text NOT NULL,
	`payload_json` text,
	`sent_at` integer NOT NULL,
	`seq` integer NOT NULL,
	`delivered_to` text,
	PRIMARY KEY(`run`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `attempts` ADD `heartbeat_json` text;--> statement-breakpoint
ALTER TABLE `node_runs` ADD `scope` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `node_runs` ADD `inside` text;--> statement-breakpoint
ALTER TABLE `runs` ADD `parent_id` text;--> statement-breakpoint
ALTER TABLE `runs` ADD `parent_node` text;--> statement-breakpoint
ALTER TABLE `runs` ADD `settings_json` text;--> statement-breakpoint
ALTER TABLE `runs` ADD `usage_json` text;--> statement-breakpoint
ALTER TABLE `runs` ADD `output_json` text;--> statement-breakpoint
CREATE INDEX `runs_parent` ON `runs` (`parent_id`) WHERE parent_id is not null;--> statement-breakpoint
ALTER TABLE `timers` ADD `armed_at` integer DEFAULT 0 NOT NULL;