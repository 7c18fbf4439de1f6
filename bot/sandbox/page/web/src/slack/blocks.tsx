// Block Kit on the page. What is only looked at is drawn by slack-blocks-to-jsx; what is used (actions, accessories,
// inputs) and pictures kept by Slack are drawn here, because that library's elements tell nobody when they are used.

import { createContext, memo, useContext } from "react";
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

/** Blocks that are only looked at. Redrawn when they change, not whenever the channel does. */
const Looked = memo(
  function Looked({ blocks, user }: { blocks: Json[]; user: string }) {
    const world = useContext(World);
    return (
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
    );
  },
  (before, after) => before.user === after.user && JSON.stringify(before.blocks) === JSON.stringify(after.blocks),
);

/** Where the page reads a file of the workspace as that person. */
export const fileAddress = (id: string, user: string): string =>
  `/api/slack/files/${encodeURIComponent(id)}?user=${encodeURIComponent(user)}`;

const address = (block: Json, user: string): string =>
  block.slack_file?.id
    ? fileAddress(block.slack_file.id, user)
    : block.image_url;

/** The block as the library wants it: pictures by address, and no `verbatim`, by which it leaves out all markup where
 * Slack only stops finding links; an invisible character keeps it from finding them. */
function forLibrary(block: Json, user: string): Json {
  const mended = JSON.parse(
    JSON.stringify(block, (_, value) => {
      if (!value?.verbatim || value.type !== "mrkdwn") return value;
      return { type: value.type, text: value.text.replace(/(^|[^<|\w])(https?)(:\/\/)/g, "$1$2\u2060$3") };
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
