// The Home tab of the app: what it published for this person, shown anew whenever they open it.

import { useEffect } from "react";

import { act, get, useLive, type Change } from "../wire";
import { Blocks } from "./blocks";
import type { SlackView } from "./types";

export function HomeTab({ user }: { user: string }) {
  useEffect(() => void act("slack", "home", { user }).catch(() => undefined), [user]);
  const load = () => get<SlackView | null>("slack/home", { user });
  const concerns = ({ slack }: Change) => slack?.type === "home" && slack.user === user;
  const view = useLive(user, load, concerns);
  return (
    <div className="scroll home-tab" role="region" aria-label="Home" tabIndex={0}>
      {view ? <Blocks blocks={view.blocks} place={{ user, view: view.id }} /> : <p className="beginning">The app has shown nothing here yet.</p>}
    </div>
  );
}
