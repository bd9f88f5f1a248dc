ALTER TABLE `tasks` ADD `issues_json` text;--> statement-breakpoint
ALTER TABLE `timers` ADD `refused_json` text;