ALTER TABLE `runs` ADD `past_plans_json` text;--> statement-breakpoint
UPDATE `runs` SET `past_plans_json` = (
  SELECT nullif(json_group_array(DISTINCT e.detail_json ->> 'previous'), '[]') FROM `run_events` e
  WHERE e.run = runs.run AND e.type = 'run.replanned' AND e.detail_json ->> 'previous' IN (
    SELECT hash FROM `plans` WHERE instr(plan_json, '"writeOnly":true') > 0))
WHERE EXISTS (SELECT 1 FROM `plans` WHERE instr(plan_json, '"writeOnly":true') > 0)
  AND EXISTS (SELECT 1 FROM `run_events` e WHERE e.run = runs.run AND e.type = 'run.replanned');--> statement-breakpoint
CREATE INDEX `attempts_claims` ON `attempts` (lease_json ->> 'claim') WHERE ended_at is null and lease_json is not null;
