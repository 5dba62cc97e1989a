import { serve } from "../../../provider/server/serve.ts";
import { pluginFactory } from "../shared/plugin.ts";
import { containerResource, engines, imageResource, volumeResource } from "./resources.ts";

await serve(
  pluginFactory({
    name: "docker",
    version: "5.2.0",
    resources: {
      "docker:index/remoteImage:RemoteImage": imageResource,
      "docker:index/volume:Volume": volumeResource,
      "docker:index/container:Container": containerResource,
    },
    close: () => engines.end(),
  }),
);
