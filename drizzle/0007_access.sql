CREATE TABLE `audit` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`tenant` text NOT NULL,
	`principal` text,
	`token` text,
	`address` text,
	`action` text NOT NULL,
	`target` text NOT NULL,
	`status` integer,
	`code` text
);
--> statement-breakpoint
CREATE INDEX `audit_tenant` ON `audit` (`tenant`,`id`);--> statement-breakpoint
CREATE TABLE `task_links` (
	`id` text PRIMARY KEY NOT NULL,
	`task` text NOT NULL,
	`tenant` text NOT NULL,
	`principal` text NOT NULL,
	`groups_json` text NOT NULL,
	`secret_hash` text NOT NULL,
	`presented_digest` text NOT NULL,
	`created_at` integer NOT NULL,
	`created_by` text,
	`expires_at` integer NOT NULL,
	`revoked_at` integer
);
--> statement-breakpoint
CREATE INDEX `task_links_task` ON `task_links` (`task`,`id`);--> statement-breakpoint
CREATE INDEX `task_links_expiry` ON `task_links` (`expires_at`);--> statement-breakpoint
CREATE TABLE `tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`principal` text NOT NULL,
	`roles_json` text NOT NULL,
	`groups_json` text NOT NULL,
	`secret_hash` text NOT NULL,
	`created_at` integer NOT NULL,
	`created_by` text,
	`expires_at` integer,
	`revoked_at` integer,
	`last_used_at` integer
);
--> statement-breakpoint
CREATE INDEX `tokens_tenant` ON `tokens` (`tenant`,`id`);--> statement-breakpoint
CREATE INDEX `runs_tenant` ON `runs` (substr(id, 1, instr(id, '~'))) WHERE instr(id, '~') > 0;--> statement-breakpoint
CREATE INDEX `runs_tenant_status` ON `runs` (substr(id, 1, instr(id, '~')),`status`) WHERE instr(id, '~') > 0;