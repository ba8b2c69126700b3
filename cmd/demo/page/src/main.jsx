import "@fontsource/lato/latin-400.css";
import "@fontsource/lato/latin-700.css";
import "@fontsource/lato/latin-900.css";
import "slack-blocks-to-jsx/dist/style.css";
import "./page.css";

import { render } from "preact";
import { Page } from "./page.jsx";
import { connect } from "./world.js";

connect();
render(<Page />, document.getElementById("app"));
