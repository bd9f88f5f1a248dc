-- WITHOUT ROWID is added by hand to the tables with a key of several columns: drizzle-kit cannot say it.
CREATE TABLE `actor_versions` (
	`run` integer NOT NULL,
	`actor` text NOT NULL,
	`seq` integer NOT NULL,
	`machine` text NOT NULL,
	`version` integer NOT NULL,
	`snapshot_json` text NOT NULL,
	`digest` text NOT NULL,
	PRIMARY KEY(`run`, `actor`, `seq`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `artifacts` (
	`run` integer NOT NULL,
	`name` text NOT NULL,
	`version` integer NOT NULL,
	`kind` text NOT NULL,
	`node` text NOT NULL,
	`attempt` integer NOT NULL,
	`pointer` text,
	`payload_json` text,
	`at` integer NOT NULL,
	PRIMARY KEY(`run`, `name`, `version`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `attempts` (
	`run` integer NOT NULL,
	`node` text NOT NULL,
	`generation` integer NOT NULL,
	`attempt` integer NOT NULL,
	`worker` text NOT NULL,
	`started_at` integer NOT NULL,
	`ended_at` integer,
	`outcome` text,
	`output_json` text,
	`error_json` text,
	`issues_json` text,
	`notes_json` text,
	PRIMARY KEY(`run`, `node`, `generation`, `attempt`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `checkpoints` (
	`run` integer NOT NULL,
	`seq` integer NOT NULL,
	`turn` integer NOT NULL,
	`reason` text NOT NULL,
	`at` integer NOT NULL,
	`hash` text NOT NULL,
	PRIMARY KEY(`run`, `seq`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `checkpoints_turn` ON `checkpoints` (`turn`);--> statement-breakpoint
CREATE TABLE `node_runs` (
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
	PRIMARY KEY(`run`, `node`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `owner` (
	`id` integer PRIMARY KEY NOT NULL,
	`epoch` integer NOT NULL,
	`pid` integer NOT NULL,
	`host` text NOT NULL,
	`since` integer NOT NULL,
	`address` text
);
--> statement-breakpoint
CREATE TABLE `plans` (
	`hash` text PRIMARY KEY NOT NULL,
	`plan_json` text NOT NULL,
	`title` text NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `responses` (
	`id` text NOT NULL,
	`task` text NOT NULL,
	`run` integer NOT NULL,
	`responder` text,
	`response_json` text NOT NULL,
	`outcome` text NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`run`, `task`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `run_events` (
	`run` integer NOT NULL,
	`seq` integer NOT NULL,
	`type` text NOT NULL,
	`node` text,
	`attempt` integer,
	`detail_json` text NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`run`, `seq`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `runs` (
	`run` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`plan_hash` text NOT NULL,
	`status` text NOT NULL,
	`input_json` text NOT NULL,
	`start_digest` text NOT NULL,
	`metadata_json` text,
	`concurrency` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`ended_at` integer,
	`reason_json` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `runs_id` ON `runs` (`id`);--> statement-breakpoint
CREATE INDEX `runs_status` ON `runs` (`status`);--> statement-breakpoint
CREATE TABLE `tasks` (
	`id` text PRIMARY KEY NOT NULL,
	`run` integer NOT NULL,
	`node` text NOT NULL,
	`kind` text NOT NULL,
	`status` text NOT NULL,
	`presented_json` text NOT NULL,
	`response_schema_json` text,
	`responders_json` text,
	`deadline_at` integer,
	`opened_at` integer NOT NULL,
	`closed_at` integer
);
--> statement-breakpoint
CREATE INDEX `tasks_status_run` ON `tasks` (`status`,`run`);--> statement-breakpoint
CREATE TABLE `timers` (
	`id` text NOT NULL,
	`run` integer NOT NULL,
	`node` text NOT NULL,
	`kind` text NOT NULL,
	`due_at` integer NOT NULL,
	PRIMARY KEY(`run`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `timers_due` ON `timers` (`due_at`);