CREATE TABLE `audit_sizes` (
	`tenant` text PRIMARY KEY NOT NULL,
	`records` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `audit_sizes` (`tenant`, `records`) SELECT `tenant`, count(*) FROM `audit` GROUP BY `tenant`;
--> statement-breakpoint
CREATE TRIGGER `audit_added` AFTER INSERT ON `audit` BEGIN
	INSERT INTO `audit_sizes` (`tenant`, `records`) VALUES (new.`tenant`, 1)
	ON CONFLICT DO UPDATE SET `records` = `records` + 1;
END;
--> statement-breakpoint
CREATE TRIGGER `audit_removed` AFTER DELETE ON `audit` BEGIN
	UPDATE `audit_sizes` SET `records` = `records` - 1 WHERE `tenant` = old.`tenant`;
	DELETE FROM `audit_sizes` WHERE `tenant` = old.`tenant` AND `records` = 0;
END;
