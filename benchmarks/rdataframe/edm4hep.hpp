// The members of EDM4hep's data that the study reads or that are stored with them, by their names in the file.
// With a dictionary of them ROOT reads into these structures; without, it emulates the classes, which is slow: see
// read_only in reading.hpp.
#pragma once

namespace podio {

struct ObjectID {
   int index{}, collectionID{};
};

}  // namespace podio

namespace edm4hep {

struct Vector2i {
   int a{}, b{};
};

struct Vector3f {
   float x{}, y{}, z{};
};

struct Vector3d {
   double x{}, y{}, z{};
};

struct MCParticleData {
   int PDG{}, generatorStatus{}, simulatorStatus{};
   float charge{}, time{};
   double mass{};
   Vector3d vertex, endpoint;
   Vector3f momentum, momentumAtEndpoint, spin;
   Vector2i colorFlow;
   unsigned int parents_begin{}, parents_end{}, daughters_begin{}, daughters_end{};
};

struct ReconstructedParticleData {
   int type{};
   float energy{};
   Vector3f momentum, referencePoint;
   float charge{}, mass{}, goodnessOfPID{};
   float covMatrix[10]{};
   unsigned int clusters_begin{}, clusters_end{}, tracks_begin{}, tracks_end{}, particles_begin{}, particles_end{},
      particleIDs_begin{}, particleIDs_end{};
};

}  // namespace edm4hep
