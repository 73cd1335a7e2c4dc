// A Node front end: the page's lists in one gRPC call, with a deadline and retries that are safe.
//
//     npm ci && node shop.mjs 127.0.0.1:50051 1000
//
// The service is read from the .proto files as they stand; nothing is generated.
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const PROTO = fileURLToPath(new URL("../../proto", import.meta.url));
const definition = loader.loadSync("vitrina/v1/recommendation_service.proto", {
  includeDirs: [PROTO],
  keepCase: true,
  enums: String,
  defaults: true,
});
const { RecommendationService } = grpc.loadPackageDefinition(definition).vitrina.v1;

// A restarting worker answers UNAVAILABLE or CANCELLED; asking again does no harm.
const retry = {
  methodConfig: [
    {
      name: [{ service: "vitrina.v1.RecommendationService" }],
      retryPolicy: {
        maxAttempts: 4,
        initialBackoff: "0.05s",
        maxBackoff: "0.5s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE", "CANCELLED"],
      },
    },
  ],
};

export function connect(target) {
  return new RecommendationService(target, grpc.credentials.createInsecure(), {
    "grpc.service_config": JSON.stringify(retry),
  });
}

export function recommend(shop, request, patienceMs = 2000) {
  return new Promise((resolve, reject) =>
    shop.Recommend(request, { deadline: Date.now() + patienceMs }, (error, answer) =>
      error ? reject(error) : resolve(answer),
    ),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [target = "127.0.0.1:50051", user_id = ""] = process.argv.slice(2);
  const shop = connect(target);
  try {
    const answer = await recommend(shop, {
      user_id,
      channel: "CHANNEL_SITE",
      blocks: [
        { placement: "home", limit: 5 },
        { placement: "discover", limit: 5 },
      ],
      product_fields: ["PRODUCT_FIELD_TITLE", "PRODUCT_FIELD_PRICE"],
    });
    for (const block of answer.blocks) {
      for (const { item_id, product, sources } of block.items) {
        console.log([block.placement, item_id, product.title, product.price, sources.join("+")].join("\t"));
      }
    }
  } catch (error) {
    console.error(`no lists: ${error.details ?? error.message}`);
    process.exitCode = 1;
  } finally {
    shop.close();
  }
}
