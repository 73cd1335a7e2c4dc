// The physical limit of a gRPC server: C++, callbacks, the same bytes for every call, and nothing else.
//
//   g++ -O2 -std=c++17 constant_server.cc -o constant_server $(pkg-config --cflags --libs grpc++)
//   ./constant_server FILE        prints its port and serves the contents of FILE until it is killed

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

namespace {

class Reactor : public grpc::ServerGenericBidiReactor {
 public:
  explicit Reactor(const grpc::ByteBuffer& answer) : answer_(answer) { StartRead(&asked_); }
  void OnReadDone(bool ok) override {
    if (ok) {
      StartWriteAndFinish(&answer_, grpc::WriteOptions(), grpc::Status::OK);
    } else {
      Finish(grpc::Status::CANCELLED);
    }
  }
  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer asked_, answer_;
};

class Constant : public grpc::CallbackGenericService {
 public:
  explicit Constant(const std::string& answer) {
    grpc::Slice slice(answer);
    answer_ = grpc::ByteBuffer(&slice, 1);
  }
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Reactor(answer_);
  }

 private:
  grpc::ByteBuffer answer_;
};

}  // namespace

int main(int, char** told) {
  std::ifstream file(told[1], std::ios::binary);
  Constant service(std::string(std::istreambuf_iterator<char>(file), {}));
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterCallbackGenericService(&service);
  auto server = builder.BuildAndStart();
  std::cout << port << std::endl;
  server->Wait();
}
