CREATE TABLE `signals` (
	`run` integer NOT NULL,
	`id` text NOT NULL,
	`name` text NOT NULL,
	`payload_json` text,
	`sent_at` integer NOT NULL,
	`delivered_to` text,
	PRIMARY KEY(`run`, `id`)
);
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