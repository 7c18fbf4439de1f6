import { createRoot } from "react-dom/client";

import { App } from "./app";
import "./style/fonts.css";
import "slack-blocks-to-jsx/dist/style.css";
import "./style/page.css";
import "./style/slack.css";
import "./style/teams.css";

createRoot(document.getElementById("page")!).render(<App />);
