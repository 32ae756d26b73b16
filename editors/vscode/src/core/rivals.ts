/** Extensions that write ghost text too; VS Code shows that of one of them at a time. */

/** By identifier in lower case. */
export const RIVALS: Readonly<Record<string, string>> = {
  "amazonwebservices.amazon-q-vscode": "Amazon Q",
  "augment.vscode-augment": "Augment",
  "codeium.codeium": "Windsurf",
  "continue.continue": "Continue",
  "danielsanmedium.dscodegpt": "CodeGPT",
  "ex3ndr.llama-coder": "Llama Coder",
  "ggml-org.llama-vscode": "llama.vscode",
  "github.copilot": "GitHub Copilot",
  "google.geminicodeassist": "Gemini Code Assist",
  "huggingface.huggingface-vscode": "llm-vscode",
  "kilocode.kilo-code": "Kilo Code",
  "rjmacarthy.twinny": "Twinny",
  "sourcegraph.cody-ai": "Cody",
  "supermaven.supermaven": "Supermaven",
  "sweepai.sweep-nes": "Sweep",
  "tabbyml.vscode-tabby": "Tabby",
  "tabnine.tabnine-vscode": "Tabnine",
};

/** Returns the names of active rivals that the user has not been told about. */
export function newRivals(
  activeExtensions: readonly string[],
  told: readonly string[],
): { readonly ids: string[]; readonly names: string[] } {
  const ids = activeExtensions
    .map((id) => id.toLowerCase())
    .filter((id) => id in RIVALS && !told.includes(id))
    .sort();
  return { ids, names: ids.map((id) => RIVALS[id] ?? id) };
}
