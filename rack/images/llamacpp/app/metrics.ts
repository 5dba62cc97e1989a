/** llama-server's own metric names, types and help texts. */

export class Metrics {
  promptTokens = 0;
  promptSeconds = 0;
  predictedTokens = 0;
  predictedSeconds = 0;
  decodeCalls = 0;
  busySlotDecodes = 0;
  processing = 0;
  deferred = 0;

  /** Prometheus text format 0.0.4. */
  render(): string {
    const rate = (count: number, seconds: number): number => (seconds > 0 ? count / seconds : 0);
    const lines: string[] = [];
    const add = (type: "counter" | "gauge", name: string, help: string, value: number): void => {
      lines.push(
        `# HELP llamacpp:${name} ${help}`,
        `# TYPE llamacpp:${name} ${type}`,
        `llamacpp:${name} ${value}`,
      );
    };
    add("counter", "prompt_tokens_total", "Number of prompt tokens processed.", this.promptTokens);
    add("counter", "prompt_seconds_total", "Prompt process time", this.promptSeconds);
    add("counter", "tokens_predicted_total", "Number of generation tokens processed.", this.predictedTokens);
    add("counter", "tokens_predicted_seconds_total", "Predict process time", this.predictedSeconds);
    add("counter", "n_decode_total", "Total number of llama_decode() calls", this.decodeCalls);
    add(
      "gauge",
      "n_busy_slots_per_decode",
      "Average number of busy slots per llama_decode() call",
      rate(this.busySlotDecodes, this.decodeCalls),
    );
    add(
      "gauge",
      "prompt_tokens_seconds",
      "Average prompt throughput in tokens/s.",
      rate(this.promptTokens, this.promptSeconds),
    );
    add(
      "gauge",
      "predicted_tokens_seconds",
      "Average generation throughput in tokens/s.",
      rate(this.predictedTokens, this.predictedSeconds),
    );
    add("gauge", "requests_processing", "Number of requests processing.", this.processing);
    add("gauge", "requests_deferred", "Number of requests deferred.", this.deferred);
    return `${lines.join("\n")}\n`;
  }
}
