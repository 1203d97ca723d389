// The EDM4hep (before version 1) and podio records of the zee-fcc sample, member by member as Delphes-EDM4hep wrote
// them around 2022. Declared here so that writing needs ROOT and a compiler but no key4hep stack; reading needs neither.
#ifndef HEPCOL_SAMPLES_EDM4HEP_H
#define HEPCOL_SAMPLES_EDM4HEP_H

#include <string>
#include <vector>

namespace podio {

struct ObjectID {
  int index;
  int collectionID;
};

struct CollectionIDTable {
  std::vector<int> m_collectionIDs;
  std::vector<std::string> m_names;
};

}  // namespace podio

namespace edm4hep {

struct Vector2i {
  int a;
  int b;
};

struct Vector3f {
  float x;
  float y;
  float z;
};

struct Vector3d {
  double x;
  double y;
  double z;
};

struct MCParticleData {
  int PDG;
  int generatorStatus;
  int simulatorStatus;
  float charge;
  float time;
  double mass;
  Vector3d vertex;
  Vector3d endpoint;
  Vector3f momentum;
  Vector3f momentumAtEndpoint;
  Vector3f spin;
  Vector2i colorFlow;
  unsigned int parents_begin;
  unsigned int parents_end;
  unsigned int daughters_begin;
  unsigned int daughters_end;
};

struct ReconstructedParticleData {
  int type;
  float energy;
  Vector3f momentum;
  Vector3f referencePoint;
  float charge;
  float mass;
  float goodnessOfPID;
  float covMatrix[10];
  unsigned int clusters_begin;
  unsigned int clusters_end;
  unsigned int tracks_begin;
  unsigned int tracks_end;
  unsigned int particles_begin;
  unsigned int particles_end;
  unsigned int particleIDs_begin;
  unsigned int particleIDs_end;
};

struct ClusterData {
  int type;
  float energy;
  float energyError;
  Vector3f position;
  float positionError[6];
  float iTheta;
  float phi;
  Vector3f directionError;
  unsigned int shapeParameters_begin;
  unsigned int shapeParameters_end;
  unsigned int hitContributions_begin;
  unsigned int hitContributions_end;
  unsigned int subdetectorEnergies_begin;
  unsigned int subdetectorEnergies_end;
  unsigned int clusters_begin;
  unsigned int clusters_end;
  unsigned int hits_begin;
  unsigned int hits_end;
  unsigned int particleIDs_begin;
  unsigned int particleIDs_end;
};

struct TrackData {
  int type;
  float chi2;
  int ndf;
  float dEdx;
  float dEdxError;
  float radiusOfInnermostHit;
  unsigned int subDetectorHitNumbers_begin;
  unsigned int subDetectorHitNumbers_end;
  unsigned int trackStates_begin;
  unsigned int trackStates_end;
  unsigned int trackerHits_begin;
  unsigned int trackerHits_end;
  unsigned int tracks_begin;
  unsigned int tracks_end;
};

struct TrackState {
  int location;
  float D0;
  float phi;
  float omega;
  float Z0;
  float tanLambda;
  Vector3f referencePoint;
  float covMatrix[15];
};

struct ParticleIDData {
  int type;
  int PDG;
  int algorithmType;
  float likelihood;
  unsigned int parameters_begin;
  unsigned int parameters_end;
};

struct MCRecoParticleAssociationData {
  float weight;
};

struct RecoParticleRefData {};

}  // namespace edm4hep

#endif
