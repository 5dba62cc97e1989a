import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { alertRules, rulesFile } from "../../components/monitoring/rules.ts";
import { monitoringConfig } from "../../config/monitoring.ts";
import { type RuleCase, ruleCases, type Series } from "./rule-cases.ts";

const { thresholds } = monitoringConfig.parse({});
const rules = alertRules(thresholds);
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "racksmith-rules-"));
  writeFileSync(join(folder, "rules.yml"), rulesFile(thresholds));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What promtool says; its exit status is in `ok`. */
function promtool(...args: string[]): { ok: boolean; output: string } {
  try {
    return {
      ok: true,
      output: execFileSync("promtool", args, { cwd: folder, encoding: "utf8", stdio: "pipe" }),
    };
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return { ok: false, output: `${stdout}${stderr}` };
  }
}

function unitTest(name: string, series: Series, at: number, alert: string, firing: object[]): object {
  return {
    name,
    interval: "1m",
    input_series: Object.entries(series).map(([key, values]) => ({ series: key, values })),
    promql_expr_test: [
      { expr: `ALERTS{alertname="${alert}",alertstate="firing"}`, eval_time: `${at}m`, exp_samples: firing },
    ],
  };
}

/** Runs a case with `labels` as what must fire; no labels: nothing may. */
function check(
  rule: RuleCase,
  series: Series,
  labels?: Record<string, string>,
): { ok: boolean; output: string } {
  const severity = rules.find(({ alert }) => alert === rule.alert)?.severity ?? "";
  const all = { __name__: "ALERTS", alertname: rule.alert, alertstate: "firing", severity, ...labels };
  const text = `{${Object.entries(all)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(",")}}`;
  const firing = labels === undefined ? [] : [{ labels: text, value: 1 }];
  const tests = [unitTest(rule.alert, series, rule.at, rule.alert, firing)];
  writeFileSync(
    join(folder, "test.yml"),
    stringify({ rule_files: ["rules.yml"], evaluation_interval: "1m", tests }),
  );
  return promtool("test", "rules", "test.yml");
}

test("promtool accepts the rules", () => {
  expect(promtool("check", "rules", "rules.yml")).toMatchObject({ ok: true });
});

test("every alert has a case", () => {
  expect(ruleCases.map(({ alert }) => alert).toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted());
});

describe.each(ruleCases)("$alert", (rule) => {
  test("fires", () => {
    expect(check(rule, rule.fires, rule.labels)).toMatchObject({ ok: true });
  });

  test("stays quiet", () => {
    expect(check(rule, rule.quiet)).toMatchObject({ ok: true });
  });
});

test.each(ruleCases.filter(({ summary }) => summary !== undefined))(
  "$alert says what a person needs",
  (rule) => {
    const found = rules.find(({ alert }) => alert === rule.alert);
    const expected = {
      exp_labels: { ...rule.labels, severity: found?.severity },
      exp_annotations: { summary: rule.summary, action: found?.action },
    };
    const tests = [
      {
        interval: "1m",
        input_series: Object.entries(rule.fires).map(([series, values]) => ({ series, values })),
        alert_rule_test: [{ eval_time: `${rule.at}m`, alertname: rule.alert, exp_alerts: [expected] }],
      },
    ];
    writeFileSync(
      join(folder, "test.yml"),
      stringify({ rule_files: ["rules.yml"], evaluation_interval: "1m", tests }),
    );
    expect(promtool("test", "rules", "test.yml")).toMatchObject({ ok: true });
  },
);

test("a threshold of the configuration reaches its rule", () => {
  const other = rulesFile({ ...thresholds, vramPercent: 60 });
  expect(other).toContain("racksmith:vram_used:percent > 60");
  expect(other).not.toContain("percent > 85");
});
