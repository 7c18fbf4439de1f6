// Block Kit on the page. What is only looked at is drawn by slack-blocks-to-jsx; what is used (actions, accessories,
// inputs) and pictures kept by Slack are drawn here, because that library's elements tell nobody when they are used.

import { createContext, memo, useContext, useLayoutEffect, useRef } from "react";
import { Message as Drawn, type Block } from "slack-blocks-to-jsx";

import { useEnlarge } from "../parts";
import type { Json } from "../wire";
import { Element } from "./elements";
import type { Place, SlackWorld } from "./types";

export const World = createContext<SlackWorld>({ people: [], channels: [] });

const OWN = new Set(["actions", "image", "input"]);

const isOwn = (block: Json): boolean =>
  OWN.has(block.type) || (block.type === "section" && block.accessory && block.accessory.type !== "image");

/** `inputs` draws input blocks; without it (in a message) they are left out, as Slack does. */
export function Blocks(props: { blocks: Json[]; place: Place; inputs?: (block: Json) => React.ReactNode }) {
  const runs: Json[][] = [];
  for (const block of props.blocks) {
    const last = runs.at(-1);
    if (last && !isOwn(block) && !isOwn(last[0]!)) last.push(block);
    else runs.push([block]);
  }
  return (
    <div className="blocks">
      {runs.map((run, index) => {
        const first = run[0]!;
        if (!isOwn(first)) return <Looked key={index} blocks={run} user={props.place.user} />;
        const key = first.block_id ?? index;
        if (first.type === "image") return <Picture key={key} block={first} user={props.place.user} />;
        if (first.type === "input") return <div key={key}>{props.inputs?.(first)}</div>;
        if (first.type === "section") return <Accessorised key={key} block={first} place={props.place} />;
        return (
          <div key={key} className="actions">
            {first.elements.map((element: Json, place: number) => (
              <Element key={element.action_id ?? place} element={element} block={first.block_id} place={props.place} />
            ))}
          </div>
        );
      })}
    </div>
  );
}

/** Slack draws emoji as pictures of its own, which no machine has to have a font for; here they are coloured signs. */
const EMOJI: Record<string, [sign: string, colour: string]> = { "❌": ["✖", "#e01e5a"], "⚠️": ["▲", "#de8a00"] };

function paintEmoji(box: HTMLElement | null): void {
  if (!box) return;
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode()) texts.push(walker.currentNode as Text);
  for (const text of texts) {
    const parts = text.data.split(/(❌|⚠️)/);
    if (parts.length < 2) continue;
    text.replaceWith(
      ...parts.map((part) => {
        const [sign, colour] = EMOJI[part] ?? [];
        if (!sign) return part;
        const drawn = document.createElement("span");
        drawn.textContent = sign;
        drawn.style.color = colour!;
        return drawn;
      }),
    );
  }
}

/** Blocks that are only looked at. Redrawn when they change, not whenever the channel does; then as a whole, because
 * emoji are painted into what the library has drawn. */
const Looked = memo(
  function Looked({ blocks, user }: { blocks: Json[]; user: string }) {
    return <Painted key={JSON.stringify(blocks)} blocks={blocks} user={user} />;
  },
  (before, after) => before.user === after.user && JSON.stringify(before.blocks) === JSON.stringify(after.blocks),
);

function Painted({ blocks, user }: { blocks: Json[]; user: string }) {
  const world = useContext(World);
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => paintEmoji(box.current), []);
  return (
    <div ref={box}>
      <Drawn
        withoutWrapper
        theme="light"
        logo=""
        name=""
        blocks={blocks.map((block) => forLibrary(block, user)) as Block[]}
        data={{
          users: world.people.map(({ id, name }) => ({ id, name })),
          channels: world.channels.map(({ id, name }) => ({ id, name })),
        }}
      />
    </div>
  );
}

/** Where the page reads a file of the workspace as that person. */
export const fileAddress = (id: string, user: string): string =>
  `/api/slack/files/${encodeURIComponent(id)}?user=${encodeURIComponent(user)}`;

const address = (block: Json, user: string): string =>
  block.slack_file?.id
    ? fileAddress(block.slack_file.id, user)
    : block.image_url;

/** Kinds of text in which Slack finds no emoji, so that `nightly:job-12:frame` stays as it is. */
const LITERAL = new Set(["raw_text", "plain_text", "text"]);

/** The block as the library wants it: pictures by address, and no `verbatim`, by which it leaves out all markup where
 * Slack only stops finding links; an invisible character keeps it from finding them, and emoji where Slack finds none. */
function forLibrary(block: Json, user: string): Json {
  const mended = JSON.parse(
    JSON.stringify(block, (_, value) => {
      if (LITERAL.has(value?.type) && typeof value.text === "string" && /:[\w+'-]+:/.test(value.text)) {
        return { ...value, text: value.text.replace(/:(?=[\w+'-]+:)/g, ":\u2060") };
      }
      if (value?.type !== "mrkdwn" || typeof value.text !== "string") return value;
      // The library takes `:19 – 00:` for an emoji where the spaces are unbreakable: "00:19 – 00:21" has none in Slack.
      const text = value.text.replace(/:(?=[^:\n]*\u00a0[^:\n]*:)/g, "\u2236");
      if (!value.verbatim) return { ...value, text };
      return { type: value.type, text: text.replace(/(^|[^<|\w])(https?)(:\/\/)/g, "$1$2\u2060$3") };
    }),
  );
  const mend = (part: Json) =>
    part.type === "image" && part.slack_file ? { ...part, slack_file: undefined, image_url: address(part, user) } : part;
  if (mended.accessory) mended.accessory = mend(mended.accessory);
  if (mended.type === "context") mended.elements = mended.elements.map(mend);
  return mended;
}

function Picture({ block, user }: { block: Json; user: string }) {
  const enlarge = useEnlarge();
  const src = address(block, user);
  return (
    <figure className="picture">
      {block.title && <figcaption>{block.title.text}</figcaption>}
      <button type="button" aria-label="Enlarge the picture" onClick={() => enlarge({ src, alt: block.alt_text })}>
        <img src={src} alt={block.alt_text} loading="lazy" />
      </button>
    </figure>
  );
}

function Accessorised({ block, place }: { block: Json; place: Place }) {
  const { accessory, ...section } = block;
  return (
    <div className="accessorised">
      <Looked blocks={[section]} user={place.user} />
      <Element element={accessory} block={block.block_id} place={place} />
    </div>
  );
}
