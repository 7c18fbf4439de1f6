// Microsoft's card library, set up as Teams is: its look, its markdown, its CodeBlock, and actions that remember how
// they stand in the card.

import * as AC from "adaptivecards";

import type { Json } from "../wire";
import { markdown } from "./markdown";

export class Submit extends AC.SubmitAction {
  source: Json = {};
  protected override internalParse(source: any, context: AC.SerializationContext): void {
    super.internalParse(source, context);
    this.source = source;
  }
}

export class Execute extends AC.ExecuteAction {
  source: Json = {};
  protected override internalParse(source: any, context: AC.SerializationContext): void {
    super.internalParse(source, context);
    this.source = source;
  }
}

/** Teams' own element for verbatim text, which the library does not know. */
class CodeBlock extends AC.CardElement {
  static readonly codeSnippetProperty = new AC.StringProperty(AC.Versions.v1_0, "codeSnippet");
  static readonly languageProperty = new AC.StringProperty(AC.Versions.v1_0, "language");
  static readonly startLineNumberProperty = new AC.NumProperty(AC.Versions.v1_0, "startLineNumber", 1);

  getJsonTypeName(): string {
    return "CodeBlock";
  }

  protected override internalRender(): HTMLElement {
    const box = document.createElement("div");
    box.className = "code-block";
    const text = this.getValue(CodeBlock.codeSnippetProperty) as string;
    const start = (this.getValue(CodeBlock.startLineNumberProperty) as number) ?? 1;
    const copy = document.createElement("button");
    copy.type = "button";
    copy.textContent = "Copy";
    copy.onclick = () => void navigator.clipboard.writeText(text).then(() => (copy.textContent = "Copied"));
    const lines = document.createElement("ol");
    lines.start = start;
    lines.tabIndex = 0;
    for (const line of text.split("\n")) {
      const item = document.createElement("li");
      item.append(document.createElement("code"));
      item.firstElementChild!.textContent = line || " ";
      lines.append(item);
    }
    box.append(copy, lines);
    return box;
  }
}

AC.AdaptiveCard.onProcessMarkdown = (text, result) => {
  result.outputHtml = markdown(text);
  result.didProcess = true;
};
AC.GlobalSettings.useMarkdownInRadioButtonAndCheckbox = false;

const elements = new AC.CardObjectRegistry<AC.CardElement>();
AC.GlobalRegistry.populateWithDefaultElements(elements);
elements.register("CodeBlock", CodeBlock, AC.Versions.v1_0);
elements.register("Table", AC.Table, AC.Versions.v1_5); // by hand: a bundler drops the module that does it by itself
const actions = new AC.CardObjectRegistry<AC.Action>();
AC.GlobalRegistry.populateWithDefaultActions(actions);
actions.register("Action.Submit", Submit, AC.Versions.v1_0);
actions.register("Action.Execute", Execute, AC.Versions.v1_4);

const colour = (normal: string, subtle: string) => ({ default: normal, subtle });
const foregroundColors = {
  default: colour("#242424", "#616161"),
  dark: colour("#242424", "#616161"),
  light: colour("#ffffff", "#f0f0f0"),
  accent: colour("#4f52b2", "#5b5fc7"),
  good: colour("#0e700e", "#107c10"),
  warning: colour("#8a5a00", "#8a5a00"),
  attention: colour("#b10e1c", "#c4314b"),
};
const style = (backgroundColor: string) => ({ backgroundColor, foregroundColors });

const host = new AC.HostConfig({
  fontFamily: "inherit",
  supportsInteractivity: true,
  fontTypes: {
    default: { fontFamily: "inherit", fontSizes: { small: 12, default: 14, medium: 16, large: 18, extraLarge: 24 } },
    monospace: {
      fontFamily: "Consolas, 'Cascadia Mono', Menlo, 'DejaVu Sans Mono', monospace",
      fontSizes: { small: 11, default: 13, medium: 14, large: 16, extraLarge: 20 },
    },
  },
  fontWeights: { lighter: 400, default: 400, bolder: 600 },
  lineHeights: { small: 16, default: 20, medium: 22, large: 24, extraLarge: 32 },
  spacing: { small: 4, default: 8, medium: 12, large: 16, extraLarge: 24, padding: 16 },
  separator: { lineThickness: 1, lineColor: "#e0e0e0" },
  containerStyles: {
    default: style("#ffffff"),
    emphasis: style("#f5f5f5"),
    good: style("#f1faf1"),
    attention: style("#fdf3f4"),
    warning: style("#fff9f0"),
    accent: style("#f4f4fc"),
  },
  imageSizes: { small: 32, medium: 52, large: 100 },
  table: { cellSpacing: 8 },
  actions: {
    maxActions: 6,
    spacing: "default",
    buttonSpacing: 8,
    actionsOrientation: "horizontal",
    actionAlignment: "left",
    showCard: { actionMode: "inline", inlineTopMargin: 12, style: "emphasis" },
  },
  inputs: {
    label: { requiredInputs: { weight: "bolder", suffix: " *", suffixColor: "attention" }, optionalInputs: { weight: "bolder" } },
    errorMessage: { color: "attention" },
  },
});

export type Pressed = (action: Json, inputs: Record<string, string>) => void;
export type Searched = (input: string, typed: string) => Promise<{ title: string; value: string }[]>;

/** The widths of a card that Teams tells apart, by the pixels at which the next begins. */
const WIDTHS = ["verynarrow", "narrow", "standard", "wide"] as const;
const ENDS = [165, 350, 768];
export type Width = (typeof WIDTHS)[number];
export const widthOf = (pixels: number): Width => WIDTHS[ENDS.filter((end) => pixels > end).length]!;

/** Whether an element is for cards of that width: `targetWidth`, which the library does not know. */
function isFor(element: Json, width: Width): boolean {
  const [, bound, name] = /^(?:(atleast|atmost):)?(\w+)$/.exec(String(element.targetWidth ?? "").toLowerCase()) ?? [];
  const [mine, asked] = [WIDTHS.indexOf(width), WIDTHS.indexOf(name as Width)];
  if (asked < 0) return true;
  return bound === "atleast" ? mine >= asked : bound === "atmost" ? mine <= asked : mine === asked;
}

/** The card as an element, as Teams draws it at that width. Pictures come by the stand-in's proxy, as they come by
 * Teams'. */
export function render(given: Json, width: Width, onPressed: Pressed, onSearched?: Searched): HTMLElement | undefined {
  const context = new AC.SerializationContext();
  context.setElementRegistry(elements);
  context.setActionRegistry(actions);
  const card = new AC.AdaptiveCard();
  card.hostConfig = host;
  card.parse(fitted(given, width) as Json, context);
  card.onExecuteAction = (action) => {
    if (action instanceof AC.OpenUrlAction && action.url) window.open(action.url, "_blank", "noopener");
    if (action instanceof Submit || action instanceof Execute) onPressed(action.source, values(action));
  };
  card.onInputValueChanged = (input) => {
    if (!onSearched || !input.id || !(input instanceof AC.ChoiceSetInput) || !input.isDynamicTypeahead()) return;
    const typed = input.getFilterForDynamicSearch();
    if (typed) void onSearched(input.id, typed).then((found) => input.renderChoices(typed, found));
  };
  return card.render();
}

function values(action: Submit | Execute): Record<string, string> {
  const found: Record<string, string> = {};
  if (String(action.source.associatedInputs ?? "").toLowerCase() === "none") return found;
  for (const input of Object.values(action.getReferencedInputs() ?? {}) as AC.Input[]) {
    if (input.id && input.isSet()) found[input.id] = String(input.value);
  }
  return found;
}

function fitted(value: unknown, width: Width): unknown {
  if (Array.isArray(value)) return value.filter((each) => isFor(each ?? {}, width)).map((each) => fitted(each, width));
  if (value === null || typeof value !== "object") return value;
  const object = value as Json;
  if (typeof object.type === "string" && object.type.startsWith("Action.")) return object;
  const mended = Object.fromEntries(Object.entries(object).map(([key, part]) => [key, fitted(part, width)]));
  if (object.type === "Image" && typeof object.url === "string" && !object.url.startsWith("data:")) {
    mended.url = `/api/teams/picture?url=${encodeURIComponent(object.url)}`;
  }
  return mended;
}
