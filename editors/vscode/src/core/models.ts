/** Reads what `starcoder-lsp models ... --json` prints. */

/** A line of `models list --json`. */
export interface Model {
  readonly name: string;
  readonly title?: string;
  /** Only a model for "completion" can be chosen. */
  readonly kind?: string;
  readonly present: boolean;
  readonly size_bytes: number;
  readonly license: string;
  readonly license_name?: string;
  /** What the licence forbids; empty if it forbids nothing. */
  readonly restrictions?: string;
  /** null for a model whose file the user has to bring. */
  readonly source: string | null;
}

const COMPLETION = "completion";

export interface ModelRow {
  readonly label: string;
  readonly description: string;
  readonly detail: string;
  readonly model: Model;
}

/** Returns the objects in JSON lines; a line that is none is left out. */
export function jsonLines(text: string): unknown[] {
  return text.split("\n").flatMap((line) => {
    try {
      return line.trim() === "" ? [] : [JSON.parse(line) as unknown];
    } catch {
      return [];
    }
  });
}

export function modelsOf(text: string): Model[] {
  return jsonLines(text).filter(isModel);
}

function isModel(value: unknown): value is Model {
  const one = value as Partial<Model> | null;
  const isModelLine = typeof one?.name === "string" && typeof one.present === "boolean";
  return isModelLine && (one.kind ?? COMPLETION) === COMPLETION;
}

/** Returns the rows of the model picker: what is on this machine first. */
export function modelRows(models: readonly Model[], current: string | undefined): ModelRow[] {
  const rows = models.map((model) => ({
    label: `${model.name === current ? "$(check)" : "$(blank)"} ${model.name}`,
    description: [sizeOf(model), model.present ? "on this machine" : undefined]
      .filter(Boolean)
      .join(", "),
    detail: [
      model.title,
      model.license,
      model.source === null && !model.present ? "needs a file of your own" : undefined,
    ]
      .filter(Boolean)
      .join(", "),
    model,
  }));
  return [
    ...rows.filter((row) => row.model.present),
    ...rows.filter((row) => !row.model.present),
  ];
}

export function sizeOf(model: Model): string | undefined {
  if (model.source === null || !(model.size_bytes > 0)) {
    return undefined;
  }
  return model.size_bytes < 1e9
    ? `${Math.round(model.size_bytes / 1e6)} MB`
    : `${(model.size_bytes / 1e9).toFixed(1)} GB`;
}

/** Returns what the user should know before the download of a model. */
export function terms(model: Model): string {
  const { license, license_name: name = license, restrictions = "" } = model;
  const size = [sizeOf(model), "from", model.source].filter(Boolean).join(" ");
  const forbidden = restrictions === "" ? "" : ` It restricts the use: ${restrictions}.`;
  return `${size}. Its licence is ${name}.${forbidden}`;
}

/** What a line of `models get --json` says. */
export interface Download {
  readonly share?: number;
  readonly path?: string;
  readonly error?: string;
}

export function downloadOf(line: string): Download {
  return (jsonLines(line)[0] as Download | undefined) ?? {};
}
